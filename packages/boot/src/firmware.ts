import { access, constants } from 'node:fs/promises';
import { bootError } from './errors.js';
import type { Machine } from './machine.js';

/** UEFI firmware for qemu: code, and the template of its variable store, which each run copies. Absolute paths. */
export interface Firmware {
  readonly code: string;
  readonly variables: string;
}

/**
 * The first firmware of a machine of which both files can be read.
 *
 * @throws `ICT_BOOT_NO_FIRMWARE` when there is none.
 */
export async function findFirmware({ program, firmware: places, packages: { debian, fedora } }: Machine): Promise<Firmware> {
  for (const place of places) if ((await readable(place.code)) && (await readable(place.variables))) return place;
  throw bootError('ICT_BOOT_NO_FIRMWARE', {
    message: `This machine has no UEFI firmware for ${program}`,
    hint: `Install it: "apt-get install ${debian.firmware}" on Debian and Ubuntu, "dnf install ${fedora.firmware}" on Fedora.`,
    facts: { searched: places.map(({ code }) => code) },
  });
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
