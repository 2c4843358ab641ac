import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import type { Random } from '../random.ts'
import type { Target } from '../target.ts'
import { attack } from './attack.ts'
import { examine } from './oracle.ts'
import { worlds } from './worlds.ts'

const all = worlds()

/** Whole decisions: an input is the name of a world, and the evidence that is put in its place. */
export const decisionTarget: Target = {
  name: 'decision.decide',
  covers: [],
  form: 'json',
  seeds: () => [],
  make: (random: Random) => {
    const world = random.pick(all)
    const items = attack(world, random).map((bytes) => bytes.toString('base64'))
    return Buffer.from(JSON.stringify({ world: world.name, items }))
  },
  run: (input) => {
    const { world: name, items } = JSON.parse(input.toString()) as JsonObject
    const world = all.find((one) => one.name === name)
    // A regression of a world that is called otherwise by now would look at nothing.
    if (world === undefined || !Array.isArray(items))
      throw new Error(`no world ${JSON.stringify(name)}`)
    try {
      return examine(
        world,
        (items as readonly string[]).map((text) => Buffer.from(text, 'base64')),
      )
    } catch (error) {
      // A decision throws for no evidence at all: here, even a Problem is a finding.
      throw error instanceof SallyportError
        ? new Error(`thrown: ${error.message}`, { cause: error })
        : error
    }
  },
}
