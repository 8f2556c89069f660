// Plays an unreachable server: takes a running HTTP server off its port and puts it back.

import { once } from 'node:events'
import net from 'node:net'

// Call before the first connection: sockets that were upgraded (WebSocket) are unknown to
// `closeAllConnections`, so all of them are remembered here.
export function pausable(server) {
  const { port } = server.address()
  const sockets = remember(server)
  let silent // the stand-in that accepts and never answers

  async function close(listener, its) {
    const closed = new Promise((resolve) => listener.close(resolve))
    for (const socket of its) socket.destroy()
    await closed
  }

  return {
    async pause({ hang = false } = {}) {
      await this.resume()
      await close(server, sockets)
      if (!hang) return
      const listener = net.createServer()
      silent = { listener, sockets: remember(listener) }
      await listen(listener, port)
    },

    async resume() {
      if (server.listening) return
      if (silent) await close(silent.listener, silent.sockets)
      silent = undefined
      await listen(server, port)
    },
  }
}

function remember(server) {
  const sockets = new Set()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  return sockets
}

async function listen(server, port) {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}
