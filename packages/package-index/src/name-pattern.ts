/** True for a pattern: neither a package name nor a version has `*`, `?` or `[`. */
export function isPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * An expression that is true for texts which one of the patterns matches as a whole: `*` stands for any characters, `?` for one, `[abc]`
 * and `[a-z]` for one of these, `[!abc]` for any other.
 *
 * @param options.ignoreCase takes capital and small letters for the same.
 * @see glob(7)
 */
export function patternExpression(patterns: readonly string[], options: { readonly ignoreCase?: boolean } = {}): RegExp {
  const parts = patterns.map((pattern) =>
    pattern.replaceAll(/\[(!?)([^\]]+)\]|\*+|[^A-Za-z0-9]/gsu, (text: string, negation?: string, members?: string) => {
      if (text.startsWith('*')) return '.*';
      if (text === '?') return '.';
      return members === undefined ? codeOf(text) : `[${negation === '!' ? '^' : ''}${classOf(members)}]`;
    }),
  );
  return new RegExp(`^(?:${parts.join('|')})$`, options.ignoreCase === true ? 'sui' : 'su');
}

/** Members of a class, those of ranges included; a range whose ends are the wrong way round has none. */
function classOf(members: string): string {
  return members.replaceAll(/(.)-(.)|./gsu, (text: string, from?: string, to?: string) => {
    if (from === undefined || to === undefined) return codeOf(text);
    return from.codePointAt(0)! > to.codePointAt(0)! ? '' : `${codeOf(from)}-${codeOf(to)}`;
  });
}

function codeOf(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
