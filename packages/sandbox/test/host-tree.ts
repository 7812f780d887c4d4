import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyPrograms } from '@ict/fixtures';

const PROGRAMS = [
  ...[
    '/bin/cat',
    '/bin/chmod',
    '/bin/chown',
    '/bin/ln',
    '/bin/ls',
    '/bin/mkdir',
    '/bin/mknod',
    '/bin/mount',
    '/bin/rm',
    '/bin/sh',
    '/bin/sleep',
  ],
  ...[
    '/usr/bin/env',
    '/usr/bin/id',
    '/usr/bin/mkfifo',
    '/usr/bin/perl',
    '/usr/bin/setsid',
    '/usr/bin/seq',
    '/usr/bin/touch',
    '/usr/bin/truncate',
  ],
];

/** Makes a directory that is removed by the caller's sandbox. */
export function makeBase(): string {
  return mkdtempSync(join(tmpdir(), 'ict-sandbox-test-'));
}

/** Makes a layer that holds a few programs of this machine with their libraries: enough of a system to run commands in. */
export function makeHostTree(directory: string): string {
  copyPrograms(directory, PROGRAMS);
  return directory;
}
