/** What keeps a file from being read, by the code of the system call. @see errno(3) */
const REASONS: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENXIO: 'it is a FIFO or a socket, not a file',
  EIO: 'the disk does not give it',
};

/** Says in plain words why a file cannot be read: `it does not exist`. */
export function whyUnreadable(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return REASONS[code ?? ''] ?? String(code ?? cause);
}
