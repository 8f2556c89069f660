#!/usr/bin/env node
// The person's browser: what $BROWSER names in these tests. Opens the page of the person's server
// in Chromium, signs in there and allows the access.

import fs from 'node:fs'
import { launchChromium } from '../ui/chromium.mjs'
import { consent, signIn } from '../ui/oauth-page.mjs'

const { TEST_HANDLE: handle, TEST_PASSWORD: password, TEST_BROWSER_LOG: log } = process.env
const chromium = await launchChromium()
try {
  const page = await chromium.newPage()
  await page.goto(process.argv[2])
  await signIn(page, { handle, password })
  await consent(page)
} catch (error) {
  // Standard error goes nowhere: the window gives its browser none.
  fs.appendFileSync(log, `${error.stack}\n`)
  process.exitCode = 1
} finally {
  await chromium.close()
}
