import { execFileSync } from 'node:child_process';
import { compareVersions } from '../src/relations/evr.js';

const COMMANDS = {
  dnf: ['/usr/bin/python3', '-c', 'import dnf; print(dnf.VERSION)'],
  python: ['/usr/bin/python3', '--version'],
  rpm: ['rpm', '--version'],
} as const;

/** Whether a program of this machine that tests compare with is older than a version. */
export function isOlder(program: keyof typeof COMMANDS, version: string): boolean {
  const [command, ...argv] = COMMANDS[program];
  return compareVersions(/\d[\d.]*/.exec(execFileSync(command, argv).toString())![0], version) < 0;
}
