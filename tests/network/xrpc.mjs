// Calls to a PDS, as any client makes them.

export class XrpcError extends Error {
  constructor(method, status, body) {
    super(`${method}: ${status} ${body.error ?? ''} ${body.message ?? ''}`.trim())
    this.status = status
    this.code = body.error
  }
}

async function call(url, method, { headers, token, ...options }) {
  const response = await fetch(url, {
    ...options,
    headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) },
  })
  const text = await response.text()
  let body = {}
  try {
    if (text) body = JSON.parse(text)
  } catch {
    body = { message: text.slice(0, 200) }
  }
  if (!response.ok) throw new XrpcError(method, response.status, body)
  return body
}

export function query(service, method, parameters = {}, { token } = {}) {
  return call(`${service}/xrpc/${method}?${new URLSearchParams(parameters)}`, method, { token })
}

// Bytes are sent as they are (a blob, needs `type`), anything else as JSON.
export function procedure(service, method, input, { token, type = 'application/json' } = {}) {
  const body = input instanceof Uint8Array || input === undefined ? input : JSON.stringify(input)
  return call(`${service}/xrpc/${method}`, method, {
    method: 'POST',
    headers: body === undefined ? {} : { 'content-type': type },
    body,
    token,
  })
}
