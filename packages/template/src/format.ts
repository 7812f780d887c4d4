import { isIP, isIPv4, isIPv6 } from 'node:net';
import { CACHE_ADDRESS, isCacheAddress } from './cache-address.js';
import { parseSize } from './sections/size.js';

/** A named kind of text: how it is checked, and what a message says was expected. */
export interface TextFormat {
  readonly check: (text: string) => boolean;
  readonly expected: string;
  /** Stands for the format where it is not known, or known as another; every text of the format matches. */
  readonly pattern?: string;
}

/** A format that one expression says whole. */
function written(pattern: string, expected: string): TextFormat {
  const expression = new RegExp(pattern);
  return { check: (text) => expression.test(text), expected, pattern };
}

/** One label of a host name after RFC 1123. */
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';

function isCidr(text: string): boolean {
  const slash = text.lastIndexOf('/');
  const family = isIP(text.slice(0, Math.max(0, slash)));
  const length = text.slice(slash + 1);
  return family !== 0 && /^(?:0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
}

/** True for what may ask for a package: a name or pattern, with a version or relation; what it means, providers say. */
function isPackage(text: string): boolean {
  return text !== '' && text.trim() === text && !/\p{Cc}/u.test(text) && /^(?:[^[\]]|\[[^\]]+\])*$/.test(text);
}

/** Formats of our schemas beside `uri`. Ours of `uuid` has no `urn:uuid:` before it: that is no partition type. */
export const formats: Readonly<Record<string, TextFormat>> = {
  size: {
    check: (text) => parseSize(text) !== undefined,
    expected: 'a whole number and a unit, such as 513MiB or 4GiB, and less than 8192TiB',
    pattern: '^(?:0|(?:0|[1-9][0-9]*) ?[KMGT](?:i?B)?)$',
  },
  // At most as long as Linux keeps it (HOST_NAME_MAX); empty for none.
  hostname: written(
    `^(?=.{0,64}$)(?:${LABEL}(?:\\.${LABEL})*)?$`,
    'a host name: letters, digits and hyphens, with dots between, at most 64 characters',
  ),
  ipv4: { check: isIPv4, expected: 'an IPv4 address' },
  ipv6: { check: isIPv6, expected: 'an IPv6 address' },
  cidr: { check: isCidr, expected: 'an address with prefix length, such as 192.0.2.10/24' },
  route: { check: (text) => text === 'default' || isCidr(text), expected: '"default" or a network with prefix length, such as 10.0.0.0/8' },
  uuid: written('^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$', 'a UUID, such as 4f68bce3-e8cd-4db1-96e7-fbcaf984b709'),
  'cache-base': {
    check: isCacheAddress,
    expected:
      'an address without "?" and "#" of http, https, oci or oci+http (oci://registry.example.com/group/name, in small letters), s3 (s3://bucket/prefix, the bucket in small letters) or file (file:///directory)',
    pattern: CACHE_ADDRESS,
  },
  package: {
    check: isPackage,
    expected: 'the name of a package, such as vim, python3-* or vim=2:9.1, without blanks around it and with every "[" closed',
  },
  // A key id, which is part of one, says nothing: others are made to have it.
  fingerprint: written(
    '^ *(?:[0-9A-Fa-f] *){40}(?:(?:[0-9A-Fa-f] *){24})?$',
    'a whole fingerprint of 40 or 64 hex digits, with or without blanks, such as 99DB70FAE1D7CE227FB6488205B555B38483C65D',
  ),
  'kernel-pattern': written(
    '^(?:/[^/*]+)*/[^/*]*\\*[^/*]*(?:/[^/*]+)*$',
    'an absolute path with one "*", which stands for the kernel version, such as /boot/vmlinuz-* or /lib/modules/*/vmlinuz',
  ),
  language: written(
    '^(?:all|[a-z]{2,3}(?:_(?:[A-Z]{2}|[0-9]{3}|[A-Z][a-z]{3}))?(?:@[a-z]+)?)$',
    'a language as locales name it, such as de, pt_BR or sr@latin, or "all"',
  ),
  // What the kernel or systemd mounts is never that of fstab, which itself has to be there, as have the programs that mount, and what they need.
  'mount-point': written(
    '^(?!/(?:(?:proc|sys|dev)(?:/|$)|(?:run|etc|(?:usr/)?(?:s?bin|lib(?:64)?))/*$))(?:none|(?:/(?!\\.\\.?(?:/|$))[^/\\s]+)*/*)$',
    'an absolute path without blanks, "." and "..", such as /srv, and no directory that is in use before partitions are mounted, such as /proc, /etc or /usr/bin',
  ),
  mode: written('^[0-7]{3,4}$', 'three or four octal digits, such as "0644"'),
};

/** What a message says of the formats that come from elsewhere. */
export const standardFormats: Readonly<Record<string, string>> = {
  uri: 'an address, such as http://archive.example.com/debian',
};
