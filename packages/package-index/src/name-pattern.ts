/** True for a pattern: neither a package name nor a version has `*`, `?` or `[`. */
export function isPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * An expression that is true for texts which one of the patterns matches as a whole: `*` stands for any characters, `?` for one, `[abc]`
 * and `[a-z]` for one of these, `[!abc]` for any other. However many stars there are, a test takes time with the product of the lengths of
 * pattern and text.
 *
 * @param options.ignoreCase takes capital and small letters for the same.
 * @see glob(7)
 */
export function patternExpression(patterns: readonly string[], options: { readonly ignoreCase?: boolean } = {}): RegExp {
  let stars = 0;
  const parts = patterns.map((pattern) => {
    const [first = '', ...others] = betweenStars(pattern);
    const last = others.pop();
    // What lies between two stars counts where it is found first, and is not looked for again: a lookahead gives nothing back.
    const middle = others.map((part) => `(?=(.*?${part}))\\${++stars}`);
    return last === undefined ? first : `${first}${middle.join('')}.*${last}`;
  });
  return new RegExp(`^(?:${parts.join('|')})$`, options.ignoreCase === true ? 'sui' : 'su');
}

/** Expressions for what lies before, between and after the stars of a pattern, each of which is as long as what it matches. */
function betweenStars(pattern: string): string[] {
  const parts = [''];
  for (const [text, negation, members] of pattern.matchAll(/\[(!?)([^\]]+)\]|\*+|./gsu)) {
    if (text.startsWith('*')) parts.push('');
    else if (members !== undefined) parts[parts.length - 1] += `[${negation === '!' ? '^' : ''}${classOf(members)}]`;
    else parts[parts.length - 1] += text === '?' ? '.' : /[A-Za-z0-9]/.test(text) ? text : codeOf(text);
  }
  return parts;
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
