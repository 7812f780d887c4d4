import { ESP_TYPE_GUID } from './gpt.js';

/**
 * GPT partition types by name. Names are those of templates; the values are from the UEFI specification,
 * the Discoverable Partitions Specification and, for `bios` and `lvm` and the like, from their own projects.
 */
const TYPES: Readonly<Record<string, string>> = {
  esp: ESP_TYPE_GUID,
  xbootldr: 'BC13C2FF-59E6-4262-A352-B275FD6F7172',
  bios: '21686148-6449-6E6F-744E-656564454649',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  'linux-swap': '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F',
  'linux-home': '933AC7E1-2EB4-4F13-B844-0E14E2AEF915',
  'linux-srv': '3B8F8425-20E0-4F3B-907F-1A25A76F98E8',
  'linux-var': '4D21B016-B534-45C2-A9FB-5C16E091FD2D',
  'linux-tmp': '7EC6F557-3BC5-4ACA-B293-16EF5DF639D1',
  'linux-lvm': 'E6D6D379-F507-44C2-A23C-238F2A3DF928',
  'linux-raid': 'A19D880F-05FC-4D3B-A006-743F0F84911E',
  'linux-luks': 'CA7D7CCB-63ED-4C53-861C-1742536059CC',
  'linux-dm-crypt': '7FFEC5C9-2D00-49B7-8941-3EA10A5586B7',
  'linux-generic': '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  'linux-root-amd64': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  'linux-root-x86': '44479540-F297-41B2-9AF7-D131D5F0458A',
  'linux-root-arm': '69DAD710-2CE4-4E3C-B16C-21A1D49ABED3',
  'linux-root-arm64': 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
  'linux-root-amd64-verity': '2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5',
  'linux-root-arm64-verity': 'DF3300CE-D69F-4C92-978C-9BFB0F38D820',
  'linux-usr-amd64': '8484680C-9521-48C6-9C11-B0720656F69E',
  'linux-usr-arm64': 'B0E01050-EE5F-4390-949A-9101B17104E9',
  msr: 'E3C9E316-0B5C-4DB8-817D-F92DF00215AE',
  'windows-data': 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
};

/** Types of an MBR by the same names: bytes that Linux and its programs know. Of roots, homes and the like it only says that they are of Linux. */
const MBR_TYPES: Readonly<Record<string, number>> = {
  esp: 0xef,
  xbootldr: 0xea,
  linux: 0x83,
  'linux-swap': 0x82,
  'linux-lvm': 0x8e,
  'linux-raid': 0xfd,
  'linux-luks': 0xe8,
};

/** Other spellings that templates use. */
const ALIASES: Readonly<Record<string, string>> = {
  'bios-boot': 'bios',
  bios_grub: 'bios',
  boot: 'xbootldr',
  swap: 'linux-swap',
  home: 'linux-home',
  srv: 'linux-srv',
  var: 'linux-var',
  tmp: 'linux-tmp',
  lvm: 'linux-lvm',
  raid: 'linux-raid',
  'linux-root-x86-64': 'linux-root-amd64',
  'linux-root-x86_64': 'linux-root-amd64',
  'linux-root-aarch64': 'linux-root-arm64',
};

/** Names that {@link partitionTypeGuid} knows, sorted; aliases are left out. */
export const partitionTypeNames: readonly string[] = Object.keys(TYPES).sort();

/** The name that an alias stands for; any other name unchanged. */
export function canonicalPartitionType(name: string): string {
  return Object.hasOwn(ALIASES, name) ? (ALIASES[name] as string) : name;
}

/** The type GUID with this name, upper case, or undefined when the name is unknown. */
export function partitionTypeGuid(name: string): string | undefined {
  const canonical = canonicalPartitionType(name);
  return Object.hasOwn(TYPES, canonical) ? TYPES[canonical] : undefined;
}

/** Name of the type with this GUID, upper case, or undefined when no template can name it. */
export function partitionTypeName(guid: string): string | undefined {
  return Object.entries(TYPES).find(([, known]) => known === guid)?.[0];
}

/** The byte by which an MBR knows the type with this name, or undefined when it has none: `bios` and `msr` are of a GPT alone. */
export function mbrPartitionType(name: string): number | undefined {
  const canonical = canonicalPartitionType(name);
  if (Object.hasOwn(MBR_TYPES, canonical)) return MBR_TYPES[canonical];
  return Object.hasOwn(TYPES, canonical) && canonical.startsWith('linux-') ? MBR_TYPES['linux'] : undefined;
}

/** Name of the type with this byte of an MBR, or undefined when no template can name it. */
export function mbrPartitionTypeName(type: number): string | undefined {
  return Object.entries(MBR_TYPES).find(([, known]) => known === type)?.[0];
}
