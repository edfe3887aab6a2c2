from .frame import open_page


def show():
    open_page()
