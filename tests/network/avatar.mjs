// A plain round picture as PNG bytes, so that avatars can be tested without image files.

import { crc32, deflateSync } from 'node:zlib'

const SIZE = 96

export function avatarPng(name) {
  const [red, green, blue] = colourOf(name)
  const rows = []
  for (let y = 0; y < SIZE; y++) {
    const row = Buffer.alloc(1 + SIZE * 4) // the leading 0 says: no filter in this row
    for (let x = 0; x < SIZE; x++) {
      const distance = Math.hypot(x + 0.5 - SIZE / 2, y + 0.5 - SIZE / 2) / (SIZE / 2)
      const light = distance < 0.45 ? 1.35 : 1
      const pixel = [red, green, blue].map((value) => Math.min(255, Math.round(value * light)))
      row.set([...pixel, distance < 1 ? 255 : 0], 1 + x * 4)
    }
    rows.push(row)
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIZE, 0)
  header.writeUInt32BE(SIZE, 4)
  header.set([8, 6], 8) // 8 bits per channel, RGBA
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function colourOf(name) {
  const seed = crc32(name)
  return [0, 8, 16].map((shift) => 60 + ((seed >> shift) & 0x7f))
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}
