/** Addresses of which a part can be a user name and password. */
const FETCHED = /^(?:https?|ftp|file):$/;

/**
 * An address without user name and password, otherwise as it was: what may be printed and recorded.
 *
 * Text that is no address of the network loses all that stands before its last `@` but its scheme, because it was perhaps meant to be
 * a password. A path of this machine is left as it is; `//user@host` is an address without its scheme.
 */
export function bareAddress(address: string): string {
  if (!address.includes('@') || /^(?!\/\/[^/]*@)\.{0,2}\//.test(address)) return address;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !FETCHED.test(url.protocol)) return address.replace(/^(\s*(?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/isu, '$1');
  if (url.username === '' && url.password === '') return address;
  url.username = '';
  url.password = '';
  return address.endsWith('/') ? url.href : url.href.replace(/\/$/, '');
}

/**
 * Whether text is an address at which a repository may say that files of it lie, in the one form in which it is recorded: of http or https, as
 * URLs are written, without user name, password, query and fragment, and without a slash at its end.
 */
export function isArchiveAddress(text: string): boolean {
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && `${url.origin}${url.pathname}`.replace(/\/$/, '') === text && !text.endsWith('/');
}

/** The public address of a file of a repository; see `PackageRecord.archive`. */
export function fileAddress(
  repository: { readonly archive: string },
  { archive = repository.archive, path }: { readonly archive?: string; readonly path: string },
): string {
  return `${archive}/${path}`;
}

/**
 * User and password of an address in text that ends in "@": up to the last "@" before its path. What stands where a port would, and is none, belongs to
 * a password with a slash in it: such an address is refused, and quoted by the error that does.
 */
const CREDENTIALS =
  /(?<=[a-z0-9+.-]:\/\/)((?:(?!:\s)[^/?#])+(?=@(?![^/?#@]*:(?!\d+\b|\d*[/?#]|\s|$)))|(?:[^/?#@]*@)*[^/@]*?:(?!\d*[/?#]|\s).*)@/gisu;

/** Text in quotes, where a password may have blanks. */
const QUOTED = /"[^"]*"|'[^']*'/gu;

/**
 * Text without the users and passwords of the addresses in it. Of an address alone, {@link bareAddress} knows more.
 *
 * @param cover what stands before the `@` instead of these; default: they go, with the `@`.
 */
export function withoutCredentials(text: string, cover?: (credentials: string) => string): string {
  if (!text.includes('@')) return text;
  // Piece by piece and no further than its last "@": looking for an "@" that is not there takes time with the square of the length.
  const bare = (piece: string): string => {
    const end = piece.lastIndexOf('@') + 1;
    const covered = piece
      .slice(0, end)
      .replace(CREDENTIALS, (_whole, credentials: string) => (cover === undefined ? '' : `${cover(credentials)}@`));
    return covered + piece.slice(end);
  };
  return text.split(/(\s+)/u).map(bare).join('').replace(QUOTED, bare);
}
