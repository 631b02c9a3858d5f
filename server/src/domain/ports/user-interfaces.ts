// The React components that a project offers for its agents' messages (`ui` of the project file), built for browsers.

export interface UserInterfaceFile {
  /** `entrypoint.js`, `entrypoint.css` or another part. */
  name: string;
  content: Uint8Array;
}

export interface UserInterfaces {
  /** Built when first asked for. `undefined` for an agent without components. @throws UserInterfaceError when they do not build */
  findFiles(agent: string): Promise<UserInterfaceFile[] | undefined>;
}
