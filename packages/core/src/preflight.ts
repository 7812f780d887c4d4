import type { Architecture, ProblemReport } from '@ict/plugin-api';
import { inspectHost, type HostCheck, type WrittenDirectory } from '@ict/sandbox';

/** Room that a build takes: for packages, layers and their snapshot, and for its image, in bytes. */
export function wantedRoom(imageBytes: number): number {
  return 1024 ** 3 + imageBytes;
}

/** Codes of failed checks that have one of their own. */
const CODES: ReadonlyMap<string, string> = new Map([
  ['architecture', 'ICT_HOST_ARCHITECTURE'],
  ['directory', 'ICT_HOST_DIRECTORY'],
  ['output', 'ICT_OUTPUT_UNWRITABLE'],
  ['free space', 'ICT_HOST_SPACE'],
  ['file system', 'ICT_HOST_FILE_SYSTEM'],
]);

/**
 * What keeps this host from building: programs, privileges, directories, space, and that no program of the image's architecture runs. All of it
 * at once, before anything is downloaded.
 *
 * @param image its size and architecture; undefined when the template could not be read.
 * @param directories cache, work and output directories; room is needed in each.
 */
export async function checkHost(
  image: { readonly sizeBytes: number; readonly architecture: Architecture } | undefined,
  directories: readonly Omit<WrittenDirectory, 'wantedBytes'>[],
  signal: AbortSignal,
): Promise<readonly ProblemReport[]> {
  const wantedBytes = wantedRoom(image?.sizeBytes ?? 0);
  const checks = await inspectHost({
    purpose: 'build',
    directories: directories.map((directory) => ({ ...directory, wantedBytes })),
    ...(image === undefined ? {} : { architecture: image.architecture }),
    signal,
  });
  return hostProblems(checks);
}

/** What of these checks keeps every build from working. */
export function hostProblems(checks: readonly HostCheck[]): readonly ProblemReport[] {
  return checks
    .filter((check) => check.required && !check.ok)
    .map(({ name, detail, remedy }) => ({
      code: CODES.get(name) ?? 'ICT_HOST_UNFIT',
      message: `${name}: ${detail}`,
      hint: remedy,
      severity: 'error',
    }));
}
