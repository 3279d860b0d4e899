/** The part of `Tree` of `@angular-devkit/schematics` that is used. It is not imported, because the Nest CLI brings it. */
export interface Tree {
  exists(path: string): boolean;
  read(path: string): Buffer | null;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
  getDir(path: string): Directory;
}

interface Directory {
  readonly subfiles: readonly string[];
  readonly subdirs: readonly string[];
}

/** The part of `SchematicContext` that is used. */
export interface Context {
  readonly logger: { info(message: string): void; warn(message: string): void };
  addTask(task: { toConfiguration(): { name: string; options: object } }): unknown;
}

/** @returns `undefined` if there is no such file */
export function readText(tree: Tree, path: string): string | undefined {
  return tree.exists(path) ? tree.read(path)?.toString('utf8') : undefined;
}

/** The TypeScript files of a folder and the folders in it, except tests. */
export function sourcesIn(tree: Tree, folder: string): string[] {
  const { subfiles, subdirs } = tree.getDir(folder);
  return [
    ...subfiles.filter((file) => /(?<!\.(?:spec|test|d))\.ts$/.test(file)).map((file) => `${folder}/${file}`),
    ...subdirs
      .filter((name) => name !== 'node_modules' && name !== 'dist')
      .flatMap((name) => sourcesIn(tree, `${folder}/${name}`)),
  ];
}
