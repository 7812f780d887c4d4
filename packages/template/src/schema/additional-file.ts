import { formatted, oneOf, text, withDefault } from './keyword.js';

/** Schema of one file that is copied into an image. */
export const additionalFileSchema = {
  type: 'object',
  description: 'One file.',
  examples: [{ local: 'motd', final: '/etc/motd', mode: '0644' }],
  properties: {
    local: {
      ...text(
        'File on this machine; a relative path is looked for beside the template, then beside those that it extends and those that extend it.',
        'motd',
      ),
      minLength: 1,
    },
    final: { ...text('Path in the image, absolute.', '/etc/motd'), minLength: 1 },
    stage: withDefault(
      '',
      oneOf(['', 'pre-initramfs'], 'When an overlay build copies it. Has no effect on other builds.', 'pre-initramfs'),
    ),
    mode: formatted('mode', 'Permission bits, octal, as text. Absent: those of the local file.', '0644', '0755'),
    owner: withDefault('root', text('User that owns it: a name or a number.', 'www-data')),
    group: withDefault('root', text('Group that owns it: a name or a number.', 'adm')),
  },
  required: ['local', 'final'],
  additionalProperties: false,
} as const;
