// What the PDSes of a network have mailed.

// The code in the last mail to an account.
export async function mailedCode(network, { email }) {
  const response = await fetch(`${network.control}/emails?to=${email}`)
  return (await response.json()).at(-1).token
}
