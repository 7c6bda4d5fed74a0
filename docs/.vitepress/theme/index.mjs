import { useData, withBase } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";
import { h, onMounted, ref, watch } from "vue";
import "./style.css";

/** The part of the page where one draws, in the light of the site. */
const DrawDigit = {
  setup() {
    const { isDark } = useData();
    const frame = ref();
    const shade = () => {
      const root = frame.value.contentDocument?.documentElement;
      if (root) root.dataset.theme = isDark.value ? "dark" : "light";
    };
    onMounted(shade);
    watch(isDark, shade);
    return () =>
      h("iframe", {
        ref: frame,
        class: "try",
        src: withBase("/try/index.html?embedded"),
        title: "A digit that you draw, and what the network looked at",
        loading: "lazy",
        onLoad: shade,
      });
  },
};

export default { extends: DefaultTheme, enhanceApp: ({ app }) => app.component("DrawDigit", DrawDigit) };
