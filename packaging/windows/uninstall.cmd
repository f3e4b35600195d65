@echo off
rem Removes the service and the program. Configuration and data in ProgramData stay.
setlocal
set "TARGET=%ProgramFiles%\meteragent"

net session >nul 2>&1
if errorlevel 1 (
    echo Please run this as administrator: right-click, "Run as administrator".
    goto failed
)
"%TARGET%\meteragent.exe" service uninstall || goto failed
rmdir /s /q "%TARGET%"
echo Removed. Configuration and data are still in "%ProgramData%\meteragent".
pause
exit /b 0

:failed
echo Not removed.
pause
exit /b 1
