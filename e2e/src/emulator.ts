import { execFile } from 'node:child_process';
import { mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How programs of aarch64 begin, as the kernel reads it: 64 bits, lowest bytes first, a program or a library, and the number of the machine. */
const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
const EMULATOR = '/usr/bin/qemu-aarch64-static';

/**
 * Has the kernel run programs of aarch64 by qemu, also those of trees, as Debian's set-up of qemu does where systemd runs.
 *
 * @returns takes that back.
 * @see binfmt_misc of the kernel's documentation; F: the emulator is opened here and now.
 */
export async function registerEmulator(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'ict-binfmt-'));
  const name = `ict-test-${process.pid}`;
  const unmount = async (): Promise<void> => {
    await run('umount', [directory]);
    await rmdir(directory);
  };
  await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', directory]);
  try {
    await writeFile(join(directory, 'register'), `:${name}:M::${MAGIC}:${MASK}:${EMULATOR}:F`);
  } catch (error) {
    await unmount();
    throw error;
  }
  return async () => {
    await writeFile(join(directory, name), '-1');
    await unmount();
  };
}
