import { access, constants } from 'node:fs/promises';
import { basename } from 'node:path';
import { readRegularFile, refuseSpecialFile } from '@ict/integrity';
import { bootError } from './errors.js';

/** An initrd with what starts it: absolute or relative paths, and the kernel's command line. */
export interface InitrdImage {
  readonly initrd: string;
  readonly kernel: string;
  readonly commandLine: string;
}

/** How initrds are named that image type `img` delivers; before it comes what their kernel has in common with them. */
const INITRD = /\.cpio(?:\.(?:gz|xz|zst|bz2))?$/u;

/** Whether a file is called as an initrd is, compressed or not. */
export function isInitrdName(path: string): boolean {
  return INITRD.test(path);
}

/**
 * The files of an image of type `img`: beside NAME.cpio.gz lie NAME.vmlinuz and NAME.cmdline.
 *
 * @returns undefined when the name is not that of an initrd.
 * @throws `ICT_BOOT_IMAGE` when one of the files cannot be read.
 */
export async function findInitrdImage(path: string): Promise<InitrdImage | undefined> {
  if (!isInitrdName(path)) return undefined;
  const stem = path.replace(INITRD, '');
  const kernel = `${stem}.vmlinuz`;
  try {
    for (const file of [path, kernel]) {
      refuseSpecialFile(file);
      await access(file, constants.R_OK);
    }
    return { initrd: path, kernel, commandLine: (await readRegularFile(`${stem}.cmdline`)).toString().trim() };
  } catch (cause) {
    const beside = `${basename(stem)}.vmlinuz and ${basename(stem)}.cmdline`;
    throw bootError('ICT_BOOT_IMAGE', {
      message: `The initrd ${path} cannot be started: it, or ${beside} beside it, cannot be read`,
      hint: 'Keep the files of a build together, or build it again.',
      facts: { path, kernel },
      cause,
    });
  }
}
