import { basename, dirname, join } from 'node:path';
import { readRegularFile } from '@ict/integrity';

/** What lies beside an image: its path, and its members as far as somebody wrote them there. */
export interface ImageManifest {
  readonly path: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * The manifest beside an image: `NAME.manifest.json` beside NAME.raw, NAME.qcow2, NAME.cpio.gz and so on, as a build leaves them. Whether it is
 * of these very bytes is not looked at.
 *
 * @returns undefined where no manifest can be read.
 */
export async function readImageManifest(image: string): Promise<ImageManifest | undefined> {
  const parts = basename(image).split('.');
  // A version in the name has dots, too, so each beginning of the name may be that of the manifest; the longest is the image's own.
  for (let length = parts.length - 1; length > 0; length--) {
    const path = join(dirname(image), `${parts.slice(0, length).join('.')}.manifest.json`);
    const bytes = await readRegularFile(path).catch(() => undefined);
    if (bytes === undefined) continue;
    const document = parse(bytes.toString());
    return document === undefined ? undefined : { path, document };
  }
  return undefined;
}

function parse(text: string): ImageManifest['document'] | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as ImageManifest['document']) : undefined;
  } catch {
    return undefined; // no JSON: some other file of that name
  }
}
