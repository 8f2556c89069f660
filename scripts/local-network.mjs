// The network that `npm start` and `npm run dev` keep on this machine: accounts, two relays, and
// the two places where Alice's and Bob's Sotto keep their data.

import fs from 'node:fs'
import path from 'node:path'
import { appEnvironment, startNetwork, startRelay } from './network-lib.mjs'
import { inCache, root } from './paths.mjs'
import { choosePorts } from './ports.mjs'
import { step } from './progress.mjs'
import { watch } from './session.mjs'

const data = inCache('network')

export const logFile = (name) => inCache('start', `${name}.log`)

export function forgetEverything() {
  fs.rmSync(data, { recursive: true, force: true })
}

export async function startLocalNetwork() {
  const ports = await choosePorts(data)
  const network = await step('Starting the AT Protocol network', () =>
    startNetwork({
      data: path.join(data, 'atproto'),
      ports: { plc: ports.plc, control: ports.control, pds: [ports.pds0, ports.pds1] },
      log: logFile('network'),
    }),
  )
  watch(network.program)
  const people = []
  await step('Starting two relays', async () => {
    for (const [index, account] of network.accounts.slice(0, 2).entries()) {
      const relay = await startLocalRelay(index, ports, network)
      const env = appEnvironment({ network, relay, data: path.join(data, `app-${account.name}`) })
      const mailbox = `${network.control}/emails?to=${account.email}`
      people.push({ account, env, relay, mailbox, shellPort: ports[`shell${index}`] })
    }
  })
  return { network, people }
}

async function startLocalRelay(index, ports, network) {
  const name = `relay${index}`
  const relay = await startRelay({
    name,
    port: ports[name],
    data: path.join(data, name),
    plc: network.plc,
    log: logFile(name),
  })
  watch(relay.program)
  return relay
}

export function explain({ people, where }) {
  const column = (value) => Math.max(...people.map(({ account }) => account[value].length))
  const lines = people.map(({ account, url = '' }) =>
    [
      `  ${account.displayName.padEnd(column('displayName'))}`,
      `handle ${account.handle.padEnd(column('handle'))}`,
      `password ${account.password.padEnd(column('password'))}`,
      url,
    ].join('   '),
  )
  const [alice, bob] = people.map(({ account }) => account)
  const [{ mailbox }] = people
  console.log(`
Sotto is running, with a network of its own on this machine.

${lines.join('\n')}

  1. ${where}
  2. In each: choose a passphrase if it asks for one, then type the handle. Your browser opens the
     page of the account's server; sign in there with the password and allow the access. Back in
     Sotto keep the relay it proposes and choose "Create key and start".
  3. As ${alice.displayName}: choose "New conversation", type ${bob.handle}, write.

  4. Anchor the key, as ${alice.displayName}: the code that the server sends is at
     ${mailbox}

  Accounts and messages stay for the next start; npm start -- --fresh begins anew.
  Logs: ${path.relative(root, inCache('start'))}. Ctrl-C ends everything.
`)
}
