import { basename, dirname, join } from 'node:path';
import { readRegularFile } from '@ict/integrity';

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
    const file = join(dirname(image), `${parts.slice(0, length).join('.')}.manifest.json`);
    const bytes = await readRegularFile(file).catch(() => undefined);
    if (bytes !== undefined) return targetOf(bytes.toString());
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
