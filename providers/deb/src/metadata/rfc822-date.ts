const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const DATE =
  /^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(\d{1,2})\s+([a-z]{3})\s+(\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(utc|gmt|z|[+-]\d{4})$/i;

/**
 * Reads the date of a Release file, such as `Sat, 11 Jul 2026 10:16:37 UTC`. The zone is required, so that no machine's own zone
 * can matter; the name of the day is not looked at.
 *
 * @returns seconds since 1970, or undefined when the text is no such date.
 * @see RFC 822 section 5, with the four-digit year of RFC 1123
 */
export function parseRfc822Date(text: string): number | undefined {
  const match = DATE.exec(text.trim());
  if (match === null) return undefined;
  const [day, year, hour, minute, second] = [match[1], match[3], match[4], match[5], match[6]].map(Number);
  const month = MONTHS.indexOf(match[2].toLowerCase());
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month, day);
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined;
  return midnight.getTime() / 1000 + hour * 3600 + minute * 60 + second - offsetSeconds(match[7]);
}

function offsetSeconds(zone: string): number {
  const match = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (match === null) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60;
  return match[1] === '-' ? -seconds : seconds;
}
