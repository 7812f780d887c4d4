import { readImageManifest } from './image-manifest.js';

/** What the manifest beside an image says that it is for; undefined where none says so. */
export async function imageArchitecture(image: string): Promise<string | undefined> {
  const target = (await readImageManifest(image))?.document.target as { readonly arch?: unknown } | null | undefined;
  return typeof target?.arch === 'string' ? target.arch : undefined;
}
