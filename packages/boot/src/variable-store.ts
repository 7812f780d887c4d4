import { guidBytes } from '@ict/image-parts';

/** Global variables of UEFI, and those of its reference implementation for Secure Boot, as their GUIDs lie in memory. */
const GLOBAL = guidBytes('8be4df61-93ca-11d2-aa0d-00e098032b8c');
const SECURE_BOOT_ENABLE = guidBytes('f0a30bc7-af08-4556-99c4-001009c93a44');
/** How a store begins whose variables may be authenticated. */
const AUTHENTICATED = guidBytes('aaf32c78-947b-439a-a180-2e144ec37792');

const VOLUME_SIGNATURE = Buffer.from('_FVH');
const VOLUME_SIGNATURE_OFFSET = 40;
const VOLUME_LENGTH_OFFSET = 48;
const STORE_HEADER_BYTES = 28;
const VARIABLE_START = 0x55aa;
const VARIABLE_HEADER_BYTES = 60;
/** States of a variable that counts: added; and one that is to be deleted once its successor is written, which then is there as well. */
const ADDED: readonly number[] = [0x3f, 0x3e];

/**
 * Whether firmware that starts with these variables enforces Secure Boot: a platform key (PK) is enrolled, and it was not switched off.
 *
 * @param bytes a variable store of EDK II with authenticated variables, which is what OVMF and AAVMF have in their flash.
 * @returns undefined when they are none.
 * @see EDK II, MdeModulePkg/Include/Guid/VariableFormat.h
 */
export function enforcesSecureBoot(bytes: Buffer): boolean | undefined {
  if (!bytes.subarray(VOLUME_SIGNATURE_OFFSET).subarray(0, VOLUME_SIGNATURE.length).equals(VOLUME_SIGNATURE)) return undefined;
  if (bytes.length < VOLUME_LENGTH_OFFSET + 2) return undefined;
  const store = bytes.subarray(bytes.readUInt16LE(VOLUME_LENGTH_OFFSET));
  if (store.length < STORE_HEADER_BYTES || !store.subarray(0, 16).equals(AUTHENTICATED)) return undefined;
  let enrolled = false;
  let switchedOff = false;
  for (const { vendor, name, data } of variables(store.subarray(0, store.readUInt32LE(16)))) {
    if (name === 'PK' && vendor.equals(GLOBAL)) enrolled = data.length > 0;
    if (name === 'SecureBootEnable' && vendor.equals(SECURE_BOOT_ENABLE)) switchedOff = data[0] === 0;
  }
  return enrolled && !switchedOff;
}

interface Variable {
  readonly vendor: Buffer;
  readonly name: string;
  readonly data: Buffer;
}

/** The variables of a store that count; those of which it has no end are left out. */
function* variables(store: Buffer): Generator<Variable> {
  let at = STORE_HEADER_BYTES;
  while (at + VARIABLE_HEADER_BYTES <= store.length && store.readUInt16LE(at) === VARIABLE_START) {
    const nameBytes = store.readUInt32LE(at + 36);
    const dataBytes = store.readUInt32LE(at + 40);
    const nameStart = at + VARIABLE_HEADER_BYTES;
    const dataStart = nameStart + nameBytes;
    const end = dataStart + dataBytes;
    if (end > store.length) return;
    if (ADDED.includes(store[at + 2] as number)) {
      // The name ends with a NUL.
      const name = store.subarray(nameStart, dataStart).toString('utf16le').replace(/\0+$/u, '');
      yield { vendor: store.subarray(at + 44, at + 60), name, data: store.subarray(dataStart, end) };
    }
    at = Math.ceil(end / 4) * 4;
  }
}
