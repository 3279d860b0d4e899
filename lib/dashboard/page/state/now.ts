import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** The end of ranges until now: the same for the whole page, until a refresh. */
export const Now = createContext(new Date());

export const useNow = (): Date => useContext(Now);
