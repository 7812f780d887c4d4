/** The code of a failure (`ENOENT`, `ICT_X`), if it has one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** The name of what the system said (`EIO`) when it refused to read or write; undefined for every other error. */
export function systemErrorOf(error: unknown): string | undefined {
  const code = errnoOf(error);
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * For a catch of what costs only work, or knowledge, where the system refuses it: it is done without.
 *
 * @throws every other error.
 */
export function ignoreSystemError(error: unknown): undefined {
  if (systemErrorOf(error) === undefined) throw error;
}

/** What the system says where it has looked: nothing is there, or no file. */
const NO_FILE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO']);

/** True when the system said that at a path is nothing, or no file: a directory, a socket, a link to itself, and the like. */
export function isNoFile(error: unknown): boolean {
  return NO_FILE.has(errnoOf(error) ?? '');
}

/**
 * True when the system could not say what a file holds: its disk or file server is in trouble, or this user may not read it. False for
 * every other error, and where there is no file.
 */
export function isReadFailure(error: unknown): boolean {
  return systemErrorOf(error) !== undefined && !isNoFile(error);
}

/** True when the system said that there is no room left, or none for this user. */
export function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** True when the system refused, as it does with what belongs to another user, or lies on a file system that is only read. */
export function isRefusal(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
}
