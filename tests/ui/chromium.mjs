// The system's Chromium; CHROMIUM names another one.

import { chromium } from 'playwright-core'

export function launchChromium() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Chromium's sandbox does not work as root, which is what containers are.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
}
