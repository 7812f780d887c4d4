/** Statuses that would send a secret elsewhere: where one is sent they are answers, and none that helps. */
export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** The type of a form. */
export const FORM = 'application/x-www-form-urlencoded';

/** What an object of JSON holds; nothing for any other value. */
export function entriesOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** What the object holds that a text is in JSON; nothing for any other text, which nobody quotes, as it may hold secrets. */
export function entriesOfJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return entriesOf(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Whether a text can be a token, as a header may have it. */
export function isWord(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7e]+$/.test(text);
}
