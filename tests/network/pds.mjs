// One real PDS on 127.0.0.1.

import fs from 'node:fs'
import path from 'node:path'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'
import { pausable } from './pausable.mjs'

export const ADMIN_PASSWORD = 'admin-pass'

// `secrets` are the keys that must stay the same when the data directory is opened again.
// With `listenPort` it listens there and believes to be reached at `port`: behind a reverse proxy.
export async function startPds({
  index,
  port,
  listenPort = port,
  directory,
  plcUrl,
  secrets,
  resolveHandle,
  onMail,
}) {
  const blobs = path.join(directory, 'blobs')
  fs.mkdirSync(blobs, { recursive: true })
  // A PDS answers "not found" for any handle under its own domains, so no two may share a suffix.
  const domain = `.pds${index}.test`
  const environment = {
    devMode: true, // allows http
    port,
    hostname: 'localhost',
    serviceDid: `did:web:localhost%3A${port}`,
    serviceHandleDomains: [domain],
    didPlcUrl: plcUrl,
    dataDirectory: directory,
    blobstoreDiskLocation: blobs,
    plcRotationKeyK256PrivateKeyHex: secrets.rotationKey,
    jwtSecret: secrets.jwt,
    dpopSecret: secrets.dpop,
    adminPassword: ADMIN_PASSWORD,
    inviteRequired: false,
    disableSsrfProtection: true, // else it refuses to fetch from loopback addresses
    enableDidDocWithSession: true,
    rateLimitsEnabled: false,
  }
  const pds = await PDS.create(envToCfg(environment), envToSecrets(environment))
  // Names under .test are in no DNS.
  pds.ctx.idResolver.handle.resolve = resolveHandle
  // Without an SMTP server mails go nowhere; tests need the codes in them.
  pds.ctx.mailer.transporter.use('compile', (mail, done) => {
    onMail(describeMail(index, mail.data))
    done()
  })
  // The PDS names no host when it listens, which would mean every interface of the machine.
  const listen = pds.app.listen.bind(pds.app)
  pds.app.listen = () => listen(listenPort, '127.0.0.1')
  const server = await pds.start()
  const { pause, resume } = pausable(server)
  return {
    url: `http://localhost:${port}`,
    port,
    upstream: `http://localhost:${listenPort}`,
    did: environment.serviceDid,
    domain,
    pause,
    resume,
    async close() {
      await resume() // a listener that is off already cannot be closed in order
      await pds.destroy()
    },
  }
}

function describeMail(pds, { to, subject, html }) {
  const token = /\b[A-Z2-7]{5}-[A-Z2-7]{5}\b/.exec(String(html ?? ''))?.[0] ?? null
  return { pds, to, subject, token, at: Date.now() }
}
