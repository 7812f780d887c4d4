import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchError } from './errors.js';
import { withoutTrailingSlash } from './mirrors.js';

/** Only what can be fetched as it stands: no `cdrom:`, no `mirror+http:`, no `tor+https:`. */
function isUsable(uri: string): boolean {
  return /^(https?|file):\/\//i.test(uri) && URL.canParse(uri);
}

/** Base addresses of `deb` lines in the one-line format. Comments, `deb-src` and unknown lines are passed over. See sources.list(5). */
export function parseOneLineSources(text: string): string[] {
  const found: string[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S/.exec(line.replace(/#.*/, ''));
    const uri = match?.[1];
    if (uri !== undefined && isUsable(uri)) found.push(withoutTrailingSlash(uri));
  }
  return found;
}

function readStanza(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of lines) {
    if (line.startsWith('#')) continue;
    const match = /^([!-,.-9;-~][!-9;-~]*):(.*)$/.exec(line);
    if (/^[ \t]/.test(line)) {
      if (current !== undefined) fields.set(current, `${fields.get(current) ?? ''} ${line.trim()}`);
    } else if (match?.[1] !== undefined) {
      current = match[1].toLowerCase();
      fields.set(current, (match[2] ?? '').trim());
    } else {
      current = undefined;
    }
  }
  return fields;
}

/** Base addresses of enabled `deb` stanzas in the deb822 format. See sources.list(5). */
export function parseDeb822Sources(text: string): string[] {
  const found: string[] = [];
  for (const paragraph of text.replaceAll('\r', '').split(/\n(?:[ \t]*\n)+/)) {
    const fields = readStanza(paragraph.split('\n'));
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (!words('types').includes('deb') || /^(no|false|off|0|without|disable)$/i.test(fields.get('enabled') ?? 'yes')) continue;
    found.push(...words('uris').filter(isUsable).map(withoutTrailingSlash));
  }
  return found;
}

/** Absent, or not ours to read: apt of this host has nothing to propose there. */
const nothing = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM']);

/** What `read` gives, or `otherwise` when there is nothing to read. @throws `ICT_FETCH_UNREADABLE` for any other failure. */
async function readIfAny<T>(path: string, read: (path: string) => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    if (nothing.has(reason)) return otherwise;
    throw fetchError('ICT_FETCH_UNREADABLE', {
      message: `The sources of this host's apt cannot be read: ${path}: ${reason}`,
      hint: 'Mend that file, or use --no-host-mirrors.',
      facts: { path, reason },
      cause: error,
    });
  }
}

/**
 * Base addresses from which this host's apt gets its packages, in the order in which apt reads them, without duplicates. They are
 * proposals only. A host without apt, and files that may not be read, give none: nothing may depend on them.
 *
 * @param directory apt's configuration, default `/etc/apt`.
 * @throws `ICT_FETCH_UNREADABLE` when the system fails in another way, such as a broken disk.
 */
export async function readHostSources(directory = '/etc/apt'): Promise<string[]> {
  const read = (path: string): Promise<string> => readIfAny(path, (file) => readFile(file, 'utf8'), '');
  const parts = join(directory, 'sources.list.d');
  const names = (await readIfAny(parts, (path) => readdir(path), [])).sort();
  const found = parseOneLineSources(await read(join(directory, 'sources.list')));
  for (const name of names) {
    if (name.endsWith('.list')) found.push(...parseOneLineSources(await read(join(parts, name))));
    else if (name.endsWith('.sources')) found.push(...parseDeb822Sources(await read(join(parts, name))));
  }
  return [...new Set(found)];
}
