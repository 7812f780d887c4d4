/** What a server wants to be told, of one scheme. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

const PARAMETER = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/;
const CHALLENGE = new RegExp(`([\\w-]+)((?:[\\s,]+${PARAMETER.source})*)`, 'g');

/** The challenges of `www-authenticate`, of which a server may send several. RFC 9110, 11.6.1. */
export function readChallenges(header: string): readonly Challenge[] {
  return [...header.matchAll(CHALLENGE)].map(([, scheme = '', parameters = '']) => ({
    scheme: scheme.toLowerCase(),
    parameters: Object.fromEntries(
      [...parameters.matchAll(new RegExp(PARAMETER, 'g'))].map(([, name = '', quoted, token = '']) => [
        name.toLowerCase(),
        quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1'),
      ]),
    ),
  }));
}
