// Embeddings of a user's: by letters, so that texts with the same letters are near each other.
const LETTERS = "abcdefgh";

export const embed = async (texts: string[]): Promise<number[][]> =>
  texts.map((text) => [...LETTERS].map((letter) => text.split(letter).length - 1));

export const instance = {
  embedQuery: async (text: string): Promise<number[]> => (await embed([text]))[0]!,
  embedDocuments: embed,
};

export const nothing = { model: "none" };
