import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Calls `answer` when it is the turn of a request; never, when its connection ends before. */
export type Turns = (socket: Socket, response: ServerResponse, answer: () => void) => void

interface Next {
  readonly response: ServerResponse
  refused: number
}

/** Who asks for so much more than is answered does not wait for answers. */
const mostRefused = 16

/**
 * Lets a connection have one request answered at a time, and one that waits: who has just got an answer whole may ask again before
 * it is seen here that the answer is out. Whoever asks for more has not waited for an answer: none of it is looked at,
 * and the connection ends with the answer to the one that waits, so that the client can ask again.
 */
export function openTurns(): Turns {
  const waiting = new WeakMap<Socket, Next>()
  return (socket, response, answer) => {
    if (response.socket !== null) {
      answer()
      return
    }
    const next = waiting.get(socket)
    if (next !== undefined) {
      refuse(socket, next)
      return
    }
    waiting.set(socket, { response, refused: 0 })
    response.once('socket', () => {
      waiting.delete(socket)
      // Others come first: answers that are ready at once would follow each other without an end.
      setImmediate(() => {
        if (!response.destroyed) answer()
      })
    })
  }
}

function refuse(socket: Socket, next: Next): void {
  next.refused += 1
  if (next.refused === 1) {
    next.response.setHeader('connection', 'close')
    stopReading(socket)
  }
  // What has come already is parsed, and each request is kept until the connection ends.
  if (next.refused > mostRefused) socket.destroy()
}

/** Node goes on reading by itself whenever an answer moves on. */
function stopReading(socket: Socket): void {
  socket.pause()
  socket.on('resume', () => socket.pause())
}
