import { machine } from 'node:os';
import type { Architecture, ProblemReport } from '@ict/plugin-api';
import { inspectHost, type HostCheck, type WrittenDirectory } from '@ict/sandbox';

/** Room that a build takes: for packages, layers and their snapshot, and for its image, in bytes. */
export function wantedRoom(imageBytes: number): number {
  return 1024 ** 3 + imageBytes;
}

/** Codes of failed checks that have one of their own. */
const CODES: ReadonlyMap<string, string> = new Map([
  ['directory', 'ICT_HOST_DIRECTORY'],
  ['free space', 'ICT_HOST_SPACE'],
  ['file system', 'ICT_HOST_FILE_SYSTEM'],
]);

/**
 * What keeps this host from building: programs, privileges, directories, space. All of it at once, before anything is downloaded.
 *
 * @param imageBytes size of the image; 0 when the template could not be read.
 * @param directories cache, work and output directories; room is needed in each.
 */
export async function checkHost(
  imageBytes: number,
  directories: readonly Omit<WrittenDirectory, 'wantedBytes'>[],
  signal: AbortSignal,
): Promise<readonly ProblemReport[]> {
  const wantedBytes = wantedRoom(imageBytes);
  const checks = await inspectHost({
    purpose: 'build',
    directories: directories.map((directory) => ({ ...directory, wantedBytes })),
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

/** Programs of the image run while it is built, so that an image is built on a machine of its own architecture. */
export function checkArchitecture(arch: Architecture, host = machine()): readonly ProblemReport[] {
  const own = host === 'arm64' ? 'aarch64' : host;
  if (own === arch) return [];
  return [
    {
      code: 'ICT_HOST_ARCHITECTURE',
      message: `this machine is of ${own}, and the image is for ${arch}: its programs do not run here`,
      hint: `Build it on a machine of ${arch}; "ict plan" and "ict lock" work on any.`,
      severity: 'error',
    },
  ];
}
