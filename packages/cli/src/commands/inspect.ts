import { resolve } from 'node:path';
import { readImageManifest } from '@ict/boot';
import { inspectImage } from '@ict/inspect';
import type { InspectFlags } from '../image-commands.js';
import { packagesOf } from '../manifest-packages.js';
import { requireImageFile } from '../require-image-file.js';
import { withRawDisk } from '../raw-disk.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { imageReportText } from '../views/image-report-text.js';

/** `ict inspect`: what an image consists of, read from the image itself; packages as the manifest beside it says. */
export async function inspect(session: Session, image: string, flags: InspectFlags): Promise<void> {
  const { temporaryDirectory } = await takeSettings(session, flags);
  const path = resolve(session.surroundings.cwd, image);
  await requireImageFile(path, image);
  const report = await withRawDisk(path, temporaryDirectory, session.signal, (raw) => inspectImage(raw, path));
  const manifest = await readImageManifest(path);
  const packages = manifest === undefined ? undefined : packagesOf(manifest);
  session.document({
    schemaVersion: 1,
    image: path,
    ...report,
    ...(manifest === undefined || packages === undefined ? {} : { manifest: manifest.path, packages }),
  });
  session.result(imageReportText(image, report, packages?.length, session.terminal.resultColors));
}
