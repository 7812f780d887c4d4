import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { readRegularFile } from '@ict/integrity';
import type { Firmware } from './firmware.js';
import type { Machine } from './machine.js';

/** Firmware as the package that brings it describes it. */
export interface DescribedFirmware extends Firmware {
  /** As `secure-boot`, `enrolled-keys`. */
  readonly features: readonly string[];
}

/** Where descriptors lie, the strongest first: those of a user, of the administrator, of packages, and of a qemu of one's own. */
export function descriptorDirectories(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const config = env['XDG_CONFIG_HOME'];
  const own = config !== undefined && isAbsolute(config) ? config : join(homedir(), '.config');
  return [own, '/etc', '/usr/share', '/usr/local/share'].map((parent) => join(parent, 'qemu/firmware'));
}

/**
 * The UEFI firmware of a machine that packages describe, by the names of the descriptors, whose numbers say which comes first. A descriptor
 * hides those of its name in later directories, also when it is empty. Firmware with raw files for code and variables is meant; anything
 * else, and what is no descriptor, is passed over.
 *
 * @see qemu, docs/interop/firmware.json
 */
export async function describedFirmware(
  { described }: Pick<Machine, 'described'>,
  directories: readonly string[] = descriptorDirectories(),
): Promise<readonly DescribedFirmware[]> {
  const files = new Map<string, string>();
  for (const directory of directories.toReversed()) {
    const names = await readdir(directory).catch(() => []);
    for (const name of names) if (name.endsWith('.json')) files.set(name, join(directory, name));
  }
  const found: DescribedFirmware[] = [];
  for (const [, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const text = await readRegularFile(file).catch(() => '');
    const firmware = readDescriptor(text.toString(), described);
    if (firmware !== undefined) found.push(firmware);
  }
  return found;
}

/** The firmware of one descriptor; undefined when it is none, or of another machine or form. */
function readDescriptor(text: string, { architecture, family }: Machine['described']): DescribedFirmware | undefined {
  const { targets, mapping, features: listed, 'interface-types': interfaces } = object(parse(text));
  const fits = list(targets)
    .map(object)
    .some((target) => target['architecture'] === architecture && texts(target['machines']).some((name) => name.startsWith(family)));
  const { device, mode = 'split', executable, 'nvram-template': template } = object(mapping);
  if (!fits || !texts(interfaces).includes('uefi') || device !== 'flash' || mode !== 'split') return undefined;
  const [code, variables] = [rawFile(executable), rawFile(template)];
  if (code === undefined || variables === undefined) return undefined;
  const features = texts(listed);
  return { code, variables, ...(features.includes('requires-smm') ? { requiresSmm: true } : {}), features };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // empty, to hide another, or no descriptor
  }
}

function rawFile(file: unknown): string | undefined {
  const { filename, format } = object(file);
  return format === 'raw' && typeof filename === 'string' ? filename : undefined;
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: unknown): readonly string[] {
  return list(value).filter((item) => typeof item === 'string');
}
