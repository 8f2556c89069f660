// The sign-in page of a real PDS, in a real browser. `page` is Playwright's.

const PATIENCE = { timeout: 30_000 }

export async function signIn(page, { handle, password }) {
  const field = page.locator('input[autocomplete="current-password"]')
  // With a hint who it is about, the page begins with the password.
  const welcome = page.getByRole('button', { name: 'Sign in', exact: true })
  await field.or(welcome).first().waitFor(PATIENCE)
  if (!(await field.isVisible())) await welcome.click()
  await field.waitFor(PATIENCE)
  const name = page.locator('input[autocomplete="username"]')
  if (await name.isEditable()) await name.fill(handle)
  await field.fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

export async function consent(page) {
  await page.getByRole('button', { name: 'Authorize', exact: true }).click(PATIENCE)
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/.*[?&]code=/, PATIENCE)
}

export async function deny(page) {
  await page.getByRole('button', { name: 'Deny access', exact: true }).click(PATIENCE)
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/.*[?&]error=access_denied/, PATIENCE)
}
