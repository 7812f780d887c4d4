import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * What the manifest beside an image says that it is for: `NAME.manifest.json` beside NAME.raw, NAME.qcow2, NAME.cpio.gz and so on, as a build
 * leaves them.
 *
 * @returns undefined where no manifest can be read, or nothing in it says so.
 */
export async function imageArchitecture(image: string): Promise<string | undefined> {
  const parts = basename(image).split('.');
  // A version in the name has dots, too, so each beginning of the name may be that of the manifest; the longest is the image's own.
  for (let length = parts.length - 1; length > 0; length--) {
    const text = await readFile(join(dirname(image), `${parts.slice(0, length).join('.')}.manifest.json`), 'utf8').catch(() => undefined);
    if (text !== undefined) return targetOf(text);
  }
  return undefined;
}

function targetOf(manifest: string): string | undefined {
  try {
    const found = JSON.parse(manifest) as { readonly target?: { readonly arch?: unknown } | null } | null;
    const arch = found?.target?.arch;
    return typeof arch === 'string' ? arch : undefined;
  } catch {
    return undefined; // no JSON: some other file of that name
  }
}
