#!/usr/bin/env node
// Cargo calls this in place of rustc for the crates of this workspace (RUSTC_WORKSPACE_WRAPPER of
// scripts/fuzz.mjs): the arguments, and what makes libFuzzer see what is reached. cargo-fuzz passes
// the same, but for the sanitizer, which only a nightly compiler has; in a workspace that forbids
// unsafe code, panics are what there is to find.

import { spawnSync } from 'node:child_process'

const COVERAGE = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
]

const [rustc, ...args] = process.argv.slice(2)
// A build script runs while Cargo builds, without libFuzzer.
const more = args.includes('build_script_build') ? [] : COVERAGE
// Its jobserver is reached through file descriptors that do not pass through here.
const { CARGO_MAKEFLAGS: _, ...env } = process.env
const { status } = spawnSync(rustc, [...args, ...more], { stdio: 'inherit', env })
process.exitCode = status ?? 1
