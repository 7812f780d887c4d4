const WANTED = 65_536;

/**
 * Whether a user owns enough subordinate ids for a system's users: 65536 of them.
 *
 * @param text of `/etc/subuid` or `/etc/subgid`: lines `name-or-uid:first:count`.
 * @see subuid(5)
 */
export function hasSubordinateIds(text: string, name: string, uid: number): boolean {
  return text.split('\n').some((line) => {
    const [owner, first, count] = line.trim().split(':');
    return (owner === name || owner === String(uid)) && /^\d+$/.test(first ?? '') && /^\d+$/.test(count ?? '') && Number(count) >= WANTED;
  });
}
