/** The address as a base; undefined for what is none of HTTP, such as a comment, ftp or rsync. */
export function mirrorBase(text: string): string | undefined {
  return /^https?:\/\/[^\s#?]+$/i.test(text) && URL.canParse(text) ? text.replace(/\/+$/, '') : undefined;
}
