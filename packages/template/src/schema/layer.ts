import { additionalFileSchema } from './additional-file.js';
import { flag, oneOf, text, texts, withDefault } from './keyword.js';

/** Schema of one command: shell text, or a program with its arguments. */
const command = (description: string, ...examples: readonly (string | readonly string[])[]) =>
  ({ type: ['string', 'array'], description, examples, minLength: 1, items: { type: 'string' }, minItems: 1 }) as const;

const words = (description: string, example: Readonly<Record<string, string>>) =>
  ({ type: 'object', description, examples: [example], additionalProperties: { type: 'string' } }) as const;

/** Schema of one entry of `layers`. */
export const layerSchema = {
  type: 'object',
  description: 'One layer: files that are copied, then commands that run, on top of what is below.',
  examples: [{ name: 'tools', run: ['make -C /opt/tools install'], types: { launch: true } }],
  properties: {
    name: { ...text('Name of the layer, unique: letters, digits, `.`, `_`, `-`.', 'tools'), minLength: 1 },
    run: withDefault([], {
      type: 'array',
      description: "Commands that run in the tree, in order: text for the tree's own shell, or a list of a program and its arguments.",
      examples: [['ldconfig', ['install', '-d', '/opt/tools']]],
      items: command('One command.', 'ldconfig', ['install', '-d', '/opt/tools']),
    }),
    files: withDefault([], {
      type: 'array',
      description: 'Files copied in before the commands run; the same form as `systemConfig.additionalFiles`.',
      examples: [[{ local: 'tool.conf', final: '/etc/tool.conf' }]],
      items: additionalFileSchema,
    }),
    types: withDefault(
      { launch: true },
      {
        type: 'object',
        description:
          'What the layer is for. Where it is given, what it leaves out is false; a layer of no type at all is scratch for its own commands.',
        examples: [{ launch: true, cache: true }],
        properties: {
          launch: withDefault(false, flag('Its files are part of the image, and of what the layers after it see.', true)),
          build: withDefault(
            false,
            flag(
              'Layers after it see its files, even if the image does not have them, and get its `env`, its programs (`/opt/NAME/bin`) and its libraries (`/opt/NAME/lib`).',
              true,
            ),
          ),
          cache: withDefault(false, flag('It is kept, and handed to `validate` when the layer has to be made anew.', true)),
        },
        additionalProperties: false,
      },
    ),
    env: withDefault(
      {},
      words('Environment of the commands; for a layer of type `build` also of the layers after it.', { MAKEFLAGS: '-j2' }),
    ),
    inputs: withDefault(
      [],
      texts(
        'Files and directories of this machine that the commands may read; their content is part of what identifies the layer. Looked for as `local` is. Copies of them lie under their own names in /run/ict/inputs; what a command changes there is dropped.',
        ['src', 'package.json'],
      ),
    ),
    cacheMounts: withDefault([], {
      type: 'array',
      description:
        'Directories that outlive the build. Where they lie is part of what identifies the layer; what they hold is not, and is in no image.',
      examples: [[{ id: 'pip', target: '/root/.cache/pip' }]],
      items: {
        type: 'object',
        description: 'One such directory.',
        examples: [{ id: 'pip', target: '/root/.cache/pip', sharing: 'locked' }],
        properties: {
          id: { ...text('Names the directory among all builds: letters, digits, `.`, `_`, `-`.', 'pip'), minLength: 1 },
          target: { ...text('Where the commands see it, absolute.', '/root/.cache/pip'), minLength: 1 },
          sharing: withDefault(
            'shared',
            oneOf(
              ['shared', 'locked', 'private'],
              'What builds at the same time do: use it together, wait for each other, or get one each.',
              'locked',
            ),
          ),
        },
        required: ['id', 'target'],
        additionalProperties: false,
      },
    }),
    network: withDefault(
      false,
      flag(
        'Lets the commands reach the network, as this machine does: also what listens on its loopback addresses and abstract sockets. The result is then no longer a function of template and lock alone.',
        true,
      ),
    ),
    metadata: withDefault({}, words('Facts that are kept with the layer and given to `validate`.', { version: '1.6' })),
    invalidateOn: {
      type: 'object',
      description: 'What must be equal for an earlier layer of this name to be of any use. When it differs, `validate` is not asked.',
      examples: [{ packages: ['nodejs'], values: { runtime: '16' } }],
      properties: {
        packages: withDefault([], texts('Packages whose version counts.', ['nodejs'])),
        values: withDefault({}, words('Values that count.', { runtime: '16' })),
      },
      additionalProperties: false,
    },
    validate: command(
      'Command that decides about an earlier layer of this name: it runs on top of it and prints `keep`, `update` (run the commands on top of it) or `discard`. Needs the type `cache`.',
      'test "$(jq --version)" = jq-1.6 && echo keep || echo discard',
    ),
  },
  required: ['name'],
  additionalProperties: false,
} as const;

/** Schema of `layers`. */
export const layersSchema = withDefault([], {
  type: 'array',
  description:
    'Layers on top of the configured system, in order; each is cached by itself. Merged with those of the definition by name: an entry replaces the one of the same name.',
  examples: [[{ name: 'tools', run: ['make -C /opt/tools install'] }]],
  items: layerSchema,
} as const);
