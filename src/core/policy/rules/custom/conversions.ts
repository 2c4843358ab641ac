import { loadCel } from './cel.ts'

/**
 * Conversions from text that take numbers only: the library hands text to JavaScript, for which "" is 0 and "0x10" is
 * 16, and an empty field would be less than every limit.
 */
export function overrides(): ReturnType<ReturnType<typeof loadCel>['celFunc']>[] {
  const { celFunc, CelScalar } = loadCel()
  const { STRING, INT, DOUBLE } = CelScalar
  return [
    celFunc('int', [STRING], INT, (text) => {
      if (!/^-?\d{1,19}$/.test(text)) throw new Error('not a whole number')
      const number = BigInt(text)
      if (BigInt.asIntN(64, number) !== number) throw new Error('a number beyond 64 bits')
      return number
    }),
    celFunc('double', [STRING], DOUBLE, (text) => {
      if (!/^-?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?$/.test(text)) {
        throw new Error('not a number')
      }
      return Number(text)
    }),
  ]
}
