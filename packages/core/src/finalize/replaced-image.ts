import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '@ict/integrity';
import type { ImageSpec, ProblemReport } from '@ict/plugin-api';

/**
 * Says that the image of another template lies where a build delivers, which takes its place: templates without `systemConfig.name` share the name
 * that their definition gives.
 *
 * @param directory of the last build of that name; what cannot be read there is nobody's image.
 */
export async function replacedImage(
  directory: string,
  { image, system, positions }: Pick<ImageSpec, 'image' | 'system' | 'positions'>,
): Promise<readonly ProblemReport[]> {
  const other = await imageIn(directory);
  if (other === undefined || other === image.name) return [];
  const position = positions.get('systemConfig.name') ?? positions.get('image.name');
  return [
    {
      code: 'ICT_OUTPUT_REPLACED',
      message: `${directory} holds the image "${other}"; when this build has ended, "${image.name}" takes its place, as both are called "${system.name}"`,
      hint: 'Give each template a "systemConfig.name" of its own.',
      severity: 'warning',
      ...(position === undefined ? {} : { position }),
    },
  ];
}

/** The name of the image that a manifest in a directory tells. */
async function imageIn(directory: string): Promise<string | undefined> {
  try {
    const manifest = (await readdir(directory)).find((name) => name.endsWith('.manifest.json'));
    if (manifest === undefined) return undefined;
    const { image } = JSON.parse(Buffer.from(await readRegularFile(join(directory, manifest))).toString()) as {
      readonly image?: { readonly name?: unknown };
    };
    return typeof image?.name === 'string' ? image.name : undefined;
  } catch {
    return undefined; // it only would be told
  }
}
