/** Flags that say how packages are fetched: the same for Debian's, and for those of the image that is built. */
const WITH_VALUE = ['--mirror', '--work-dir', '--temp-dir', '--workers', '-w'];
const ALONE = ['--no-host-mirrors', '--offline'];
const CACHE = ['--cache-dir', '-d'];

/**
 * Takes those flags out of flags of `ict build`; `--flag value` and `--flag=value` are both known.
 *
 * @param {readonly string[]} flags
 * @returns {{ cacheDirectory: string | undefined, others: string[] }} what `--cache-dir` says, and the others.
 */
export function fetchingFlags(flags) {
  let cacheDirectory;
  const others = [];
  for (let index = 0; index < flags.length; index++) {
    const flag = flags[index];
    const equals = flag.startsWith('--') ? flag.indexOf('=') : -1;
    const name = equals === -1 ? flag : flag.slice(0, equals);
    if (ALONE.includes(flag)) others.push(flag);
    if (!WITH_VALUE.includes(name) && !CACHE.includes(name)) continue;
    const value = equals === -1 ? flags[++index] : flag.slice(equals + 1);
    if (CACHE.includes(name)) cacheDirectory = value;
    else if (value !== undefined) others.push(name, value);
  }
  return { cacheDirectory, others };
}
