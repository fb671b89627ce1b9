"""TAM-RL Explorer: ``streamlit run app.py`` starts it on the bundled workspace."""

from tamrl.app.main import main

main()
