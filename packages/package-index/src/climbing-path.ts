const CLIMBING = /(?:^|\/)(?:\.|%2e){2}(?:\/|$)/i;

/**
 * Whether a part of a path leads upwards, as it stands or as part of an address, which takes `%2e` for a dot. What is left out of addresses, such as
 * tabs, must not be in the path.
 *
 * @see the URL standard, "double-dot URL path segment"
 */
export function isClimbing(path: string): boolean {
  return CLIMBING.test(path);
}
