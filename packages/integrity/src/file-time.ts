/** The largest time that a Date has, in seconds since 1970. */
const MAX_DATE_SECONDS = 8.64e12;

/** A time for Node's `utimes` and its like, in seconds since 1970; as a Date, because Node takes a negative number for "now". */
export function fileTime(seconds: number): Date {
  return new Date(Math.max(-MAX_DATE_SECONDS, Math.min(seconds, MAX_DATE_SECONDS)) * 1000);
}
