import { access, constants, stat } from 'node:fs/promises';
import { errnoOf, readRegularFile } from '@ict/integrity';
import { bootError } from './errors.js';
import { describedFirmware, descriptorDirectories } from './firmware-descriptors.js';
import type { Machine } from './machine.js';
import { enforcesSecureBoot } from './variable-store.js';

/** UEFI firmware for qemu: code, and the template of its variable store, which each run copies. Absolute paths. */
export interface Firmware {
  readonly code: string;
  readonly variables: string;
  /** True for code that runs only where the machine has system management mode (SMM), which guards the variables. Default false. */
  readonly requiresSmm?: boolean;
}

/** What is asked of firmware. */
export interface FirmwareNeeds {
  /** It is to start nothing but what is signed with a key in its variables. Default false. */
  readonly secureBoot?: boolean;
  /** The variable store to start with. Default: the template that belongs to the code. */
  readonly variables?: string;
  /** The firmware to take if it does what is asked. Default: the first that the host has. */
  readonly firmware?: Firmware;
  /** Where descriptors of firmware lie. Default: the directories that qemu's specification names. */
  readonly descriptors?: readonly string[];
}

/**
 * The first firmware of a machine of which both files can be read and which does what is asked: ordinary firmware out of the places where
 * distributions put it, firmware with Secure Boot by the descriptors that its packages bring. That it is switched on is read from the variables.
 *
 * @throws `ICT_BOOT_NO_FIRMWARE` when there is none; `ICT_BOOT_VARIABLES` when the variable store cannot be read, belongs to other firmware, or
 *   leaves Secure Boot off.
 */
export async function findFirmware(machine: Machine, needs: FirmwareNeeds = {}): Promise<Firmware> {
  const { secureBoot = false, variables, descriptors = descriptorDirectories() } = needs;
  const store = variables === undefined ? undefined : await readVariables(variables, secureBoot);
  const whole: Firmware[] = [];
  const places = needs.firmware === undefined ? await placesOf(machine, secureBoot, descriptors) : [needs.firmware];
  for (const place of places) if ((await readable(place.code)) && (await readable(place.variables))) whole.push(place);
  if (whole.length === 0) {
    const { debian, fedora } = machine.packages;
    throw bootError('ICT_BOOT_NO_FIRMWARE', {
      message: `This machine has no UEFI firmware ${secureBoot ? 'with Secure Boot ' : ''}for ${machine.program}`,
      hint: `Install it: "apt-get install ${debian.firmware}" on Debian and Ubuntu, "dnf install ${fedora.firmware}" on Fedora.`,
      facts: {
        package: debian.firmware,
        searched: secureBoot && needs.firmware === undefined ? descriptors : places.map(({ code }) => code),
      },
    });
  }
  for (const firmware of whole) {
    if (variables !== undefined && (await stat(firmware.variables)).size === store?.length) return { ...firmware, variables };
    if (variables === undefined && (!secureBoot || enforcesSecureBoot(await readRegularFile(firmware.variables)) === true)) return firmware;
  }
  const codes = whole.map(({ code }) => code);
  if (variables === undefined) {
    throw bootError('ICT_BOOT_NO_FIRMWARE', {
      message: `The UEFI firmware of this machine for ${machine.program} has no keys, so that Secure Boot is off`,
      hint: 'Name a variable store in which your keys are enrolled: --firmware-vars FILE.',
      facts: { searched: codes },
    });
  }
  throw bootError('ICT_BOOT_VARIABLES', {
    message: `The variable store ${variables} has ${store?.length} bytes, and belongs to none of the UEFI firmware of this machine for ${machine.program}`,
    hint: 'Make it from the variables that belong to the firmware in the facts of this error.',
    facts: { path: variables, sizeBytes: store?.length, firmware: codes },
  });
}

/** Where firmware may lie. */
async function placesOf(machine: Machine, secureBoot: boolean, descriptors: readonly string[]): Promise<readonly Firmware[]> {
  if (!secureBoot) return machine.firmware;
  return (await describedFirmware(machine, descriptors)).filter(({ features }) => features.includes('secure-boot'));
}

/** Reads a variable store that somebody named. @throws `ICT_BOOT_VARIABLES` when it is none, or leaves off the Secure Boot that is asked for. */
async function readVariables(path: string, secureBoot: boolean): Promise<Buffer> {
  const bytes = await readRegularFile(path).catch((cause: unknown) => {
    const message = `The variable store ${path} cannot be read: ${errnoOf(cause) ?? String(cause)}`;
    throw bootError('ICT_BOOT_VARIABLES', { message, hint: 'Name a file that can be read.', facts: { path }, cause });
  });
  const enforces = enforcesSecureBoot(bytes);
  if (enforces === undefined) {
    throw bootError('ICT_BOOT_VARIABLES', {
      message: `${path} is no variable store of UEFI firmware for qemu`,
      hint: 'Name a raw file such as OVMF_VARS_4M.fd, or one made from it.',
      facts: { path },
    });
  }
  if (secureBoot && !enforces) {
    throw bootError('ICT_BOOT_VARIABLES', {
      message: `The variable store ${path} leaves Secure Boot off: no platform key is enrolled, or it was switched off`,
      hint: 'Enrol the certificate, and switch Secure Boot on, as docs/secure-boot.md says.',
      facts: { path },
    });
  }
  return bytes;
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
